"""The same as dcgan-diagnose."""

from dcgan.commands.diagnose import main

if __name__ == "__main__":
    main()
