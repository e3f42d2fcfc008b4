package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// NewIdentity makes a kit's own key: the identity stays on the kit, the recipient is for everybody.
func NewIdentity() (identity, recipient string, err error) {
	i, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", fmt.Errorf("bundle: make a kit's key: %w", err)
	}
	return i.String(), i.Recipient().String(), nil
}

// Recipient derives the public half of a kit's key.
func Recipient(identity string) (string, error) {
	i, err := age.ParseX25519Identity(identity)
	if err != nil {
		return "", errors.New("bundle: this is not a kit's secret key; one begins with AGE-SECRET-KEY-1")
	}
	return i.Recipient().String(), nil
}

// KitID is a kit's name for life, "kit-" and 4 groups of 4 characters. It is made from the public half of its key.
func KitID(recipient string) (string, error) {
	r, err := parseRecipient(recipient)
	if err != nil {
		return "", err
	}
	return fingerprint("kit", []byte(r.String())), nil
}

func parseRecipient(recipient string) (*age.X25519Recipient, error) {
	r, err := age.ParseX25519Recipient(recipient)
	if err != nil {
		return nil, fmt.Errorf("bundle: %.80q is not a kit's public key; one begins with age1, and stands in the report that the kit wrote to the stick", recipient)
	}
	return r, nil
}

// seal encrypts to a kit's public key.
func seal(plain []byte, recipient string) ([]byte, error) {
	r, err := parseRecipient(recipient)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, r)
	if err != nil {
		return nil, fmt.Errorf("bundle: seal: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("bundle: seal: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("bundle: seal: %w", err)
	}
	return b.Bytes(), nil
}

// unseal decrypts with a kit's identity; at most max bytes.
func unseal(sealed []byte, identity string, max int) ([]byte, error) {
	i, err := age.ParseX25519Identity(identity)
	if err != nil {
		return nil, errors.New("bundle: this is not a kit's secret key; one begins with AGE-SECRET-KEY-1")
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), i)
	var mismatch *age.NoIdentityMatchError
	if errors.As(err, &mismatch) {
		return nil, refuse(ErrSealedToOther, "make the bundle again with the public key from this kit's report, or plug the stick into the kit that it was made for",
			"the settings are sealed to another kit's key")
	}
	var plain []byte
	if err == nil {
		plain, err = io.ReadAll(io.LimitReader(r, int64(max)+1))
	}
	if err != nil {
		return nil, refuse(ErrInvalid, makeAnew, "the sealed settings cannot be opened (%v)", err)
	}
	if len(plain) > max {
		return nil, refuse(ErrTooLarge, makeAnew, "the sealed settings are larger than %d bytes", max)
	}
	return plain, nil
}
