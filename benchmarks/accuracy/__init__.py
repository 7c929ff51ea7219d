"""One script per published table of accuracies; data sets are named by path, never downloaded."""
