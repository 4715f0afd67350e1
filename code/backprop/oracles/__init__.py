"""What the engine is held to and never imports: the tape, SymPy's derivations."""
