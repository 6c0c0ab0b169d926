"""What the record means: pure folds over entries, and the pure arithmetic that reads them. No I/O."""
