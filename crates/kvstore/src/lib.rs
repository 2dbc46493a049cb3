//! Sources of wanted configuration behind one trait.
