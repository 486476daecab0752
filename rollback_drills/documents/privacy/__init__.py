"""What may not stand in a document that is meant to be public: secrets, hosts, addresses."""
