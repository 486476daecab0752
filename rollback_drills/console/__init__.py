"""The console: pages for people, made from the documents and the evidence."""
