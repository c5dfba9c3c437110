"""Files that lie, break off or change: what each does, and how it has to be refused.

`builder` writes GGUF bytes field by field, so that an attack is a small file that is right in all
but one place. `Attacks` in `attack` keeps, beside each, the error it has to end in. Every file is
opened in a process of its own (`child`), which tells what happened and how much memory it took.

Guests that mean harm run there too: `test_guests` has one kind of harm per test, `shrinking` files
that become shorter under a guest's hands, `mutated` modules changed at random.
"""
