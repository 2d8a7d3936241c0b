"""The same as dcgan-cure."""

from dcgan.commands.cure import main

if __name__ == "__main__":
    main()
