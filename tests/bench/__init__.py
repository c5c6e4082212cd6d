"""What is said to be fast, measured: two ways in turns, in one sitting, so that their ratio means something."""
