"""From scheduled kernels to a bundle: memory plan, object code, driver, link, manifest."""
