"""multismp: trains and reads language models that say how popular a user's next post will be (MultiSmpLLM)."""

__version__ = "0.1.0"
