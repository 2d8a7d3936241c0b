"""The same as dcgan-evaluate."""

from dcgan.commands.evaluate import main

if __name__ == "__main__":
    main()
