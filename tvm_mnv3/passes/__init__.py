"""Graph passes from a module as imported to the normal form; `pipeline` lists them."""
