"""Packages for apps: what ``package`` makes of bundles, and how ``verify`` checks it."""
