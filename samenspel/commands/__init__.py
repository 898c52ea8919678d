"""One module for each group of commands; `services` and `options` are shared by them."""
