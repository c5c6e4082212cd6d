"""What `./run` is made of: development servers, their keeper, and the checks. Standard library only.

`run` imports these modules with the user's own Python before anything is installed, so none of them may import
Django or the rest of the project. Read them in this order: commands, keeper, children, postgres, valkey, install.
"""
