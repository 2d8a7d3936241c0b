"""The same as dcgan-explain."""

from dcgan.commands.explain import main

if __name__ == "__main__":
    main()
