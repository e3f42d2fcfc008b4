package store

// Kinds of blobs of an account.
const (
	BlobVCard    = "vcard"
	BlobPrivate  = "private"  // name: namespace and element
	BlobBlock    = "block"    // name: the blocked JID
	BlobDeclared = "declared" // what the configuration has put among the account's own things; name: which
	BlobArchive  = "archive"  // what the account wants archived
)

// Blob is the value of one kind under one name; ErrNotFound. The name may be empty where a kind has one value only.
func (tx *Tx) Blob(account, kind, name string) ([]byte, error) {
	rec, err := load[blobRecord](tx, bucketBlobs, append(prefix(account, kind), name...))
	return rec.Value, err
}

// PutBlob stores v; nil v deletes.
func (tx *Tx) PutBlob(account, kind, name string, v []byte) error {
	if err := checkNames(account, kind); err != nil {
		return err
	}
	if name != "" {
		if err := checkNames(name); err != nil {
			return err
		}
	}
	key := append(prefix(account, kind), name...)
	if v == nil {
		return tx.delete(bucketBlobs, key)
	}
	if err := tx.room(); err != nil {
		return err
	}
	return tx.putRecord(bucketBlobs, key, blobRecord{v1, v})
}

// Blobs calls fn for each value of one kind, ordered by name.
func (tx *Tx) Blobs(account, kind string, fn func(name string, v []byte) error) error {
	p := prefix(account, kind)
	return eachRecord(tx, bucketBlobs, p, p, func(k []byte, rec blobRecord) error {
		return fn(string(k[len(p):]), rec.Value)
	})
}
