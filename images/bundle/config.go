package bundle

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxConfig is the most bytes that a config bundle may have; read no more of a file than that and one.
const MaxConfig = 1 << 20

const (
	maxTrust     = 8
	maxDocuments = MaxConfig - 8<<10 // leaves room for the rest
)

// Documents are the files that a kit will run on. They are checked by those who read them, not here.
type Documents struct {
	Node    string // longwire.toml
	SIS     string // s5066d.toml; "": the kit runs no SIS server
	Kit     string // kit.toml; "": the machine's settings are the defaults
	TLSCert []byte // PEM, for clients; none: the node makes its own
	TLSKey  []byte // PEM
	Phrases string // phrases.txt, which longwire.toml may name; "": none
}

// Config is a config bundle.
type Config struct {
	Head
	Name  string // what the kit is called from now on
	Fleet string // which fleet it belongs to from now on; "": none
	Trust []Key  // replaces the keys that the kit trusts; none: they stay
	Docs  Documents
	// Sealed tells, after reading, that the documents were encrypted to the kit's key.
	Sealed bool
}

type configRecord struct {
	headRecord
	Name   string      `cbor:"16,keyasint"`
	Fleet  string      `cbor:"17,keyasint,omitempty"`
	Trust  []keyRecord `cbor:"18,keyasint,omitempty"`
	Docs   []byte      `cbor:"19,keyasint,omitempty"` // documentsRecord
	Sealed []byte      `cbor:"20,keyasint,omitempty"` // the same, encrypted by age; one of the two
}

type keyRecord struct {
	Public []byte `cbor:"1,keyasint"`
	Name   string `cbor:"2,keyasint,omitempty"`
}

type documentsRecord struct {
	Version uint64 `cbor:"0,keyasint"`
	Node    string `cbor:"1,keyasint"`
	SIS     string `cbor:"2,keyasint,omitempty"`
	Kit     string `cbor:"3,keyasint,omitempty"`
	TLSCert []byte `cbor:"4,keyasint,omitempty"`
	TLSKey  []byte `cbor:"5,keyasint,omitempty"`
	Phrases string `cbor:"6,keyasint,omitempty"`
}

// Encode signs the bundle. With a recipient (a kit's public key, "age1…") the documents are sealed to it.
func (c Config) Encode(s Signer, recipient string) ([]byte, error) {
	head, err := c.record(KindConfig, s)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return nil, err
	}
	r := configRecord{headRecord: head, Name: c.Name, Fleet: c.Fleet}
	for _, k := range c.Trust {
		r.Trust = append(r.Trust, keyRecord{k.Public, k.Name})
	}
	docs, err := encMode.Marshal(documentsRecord{formatVersion, c.Docs.Node, c.Docs.SIS, c.Docs.Kit, c.Docs.TLSCert, c.Docs.TLSKey, c.Docs.Phrases})
	if err != nil {
		return nil, fmt.Errorf("bundle: encode: %w", err)
	}
	if len(docs) > maxDocuments {
		return nil, fmt.Errorf("bundle: the documents have %d bytes; %d are allowed", len(docs), maxDocuments)
	}
	r.Docs = docs
	if recipient != "" {
		r.Docs = nil
		if r.Sealed, err = seal(docs, recipient); err != nil {
			return nil, err
		}
	}
	payload, err := encMode.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("bundle: encode: %w", err)
	}
	b, err := sign(configType, payload, s)
	if err == nil && len(b) > MaxConfig {
		err = fmt.Errorf("bundle: the bundle has %d bytes; %d are allowed", len(b), MaxConfig)
	}
	return b, err
}

func (c Config) check() error {
	if c.Name == "" {
		return errors.New("bundle: the kit has no name")
	}
	if err := checkWord("the kit's name", c.Name); err != nil {
		return err
	}
	if err := checkWord("the fleet's name", c.Fleet); err != nil {
		return err
	}
	if len(c.Trust) > maxTrust {
		return fmt.Errorf("bundle: there are %d trusted keys; %d are allowed", len(c.Trust), maxTrust)
	}
	for _, k := range c.Trust {
		if err := k.check(); err != nil {
			return err
		}
	}
	return nil
}

// Verified is a config bundle whose signature is right.
type Verified struct {
	Head   Head
	Key    Key      // who signed
	Digest [32]byte // SHA-256 of the whole file: the bundle's identity
	// FirstUse: no keys were given, so the bundle's own key vouches for it, and for nobody but itself.
	FirstUse bool
	Name     string // see Config
	Fleet    string
	Trust    []Key
	Sealed   bool

	docs []byte
}

// ReadHead verifies a config bundle by the trusted keys; with none, by the key that the bundle itself names, as a kit
// does at first use. All of it is checked here but the documents.
func ReadHead(b []byte, trust []Key) (*Verified, error) {
	if len(b) > MaxConfig {
		return nil, refuse(ErrTooLarge, "put the right file on the stick", "the file has more than the %d bytes that a bundle of settings may have", MaxConfig)
	}
	e, err := open(configType, b)
	if err != nil {
		return nil, err
	}
	key, err := e.believe(trust)
	if err != nil {
		return nil, err
	}
	v := &Verified{Key: key, Digest: sha256.Sum256(b), FirstUse: len(trust) == 0}
	f := openFields("the bundle", e.payload)
	v.Head = f.head(KindConfig)
	v.Name, v.Fleet = f.text(16, "name", maxName), f.text(17, "fleet", maxName)
	for _, k := range f.list(18, "trust") {
		v.Trust = append(v.Trust, Key{k.bytes(1, "trust.public", maxName), k.text(2, "trust.name", maxName)})
		f.adopt(k)
	}
	plain, sealed := f.bytes(19, "documents", MaxConfig), f.bytes(20, "sealed documents", MaxConfig)
	if (plain == nil) == (sealed == nil) {
		f.fail("it must have documents, either open or sealed")
	}
	v.Sealed = sealed != nil
	v.docs = append(plain, sealed...)
	f.must(Config{Name: v.Name, Fleet: v.Fleet, Trust: v.Trust}.check())
	if v.FirstUse {
		v.Key.Name = v.Head.Organisation
	}
	if err := f.done(); err != nil {
		return nil, err
	}
	return v, nil
}

// Config opens the documents, with the kit's identity ("AGE-SECRET-KEY-…") if they are sealed.
func (v *Verified) Config(identity string) (*Config, error) {
	plain := v.docs
	if v.Sealed {
		if identity == "" {
			return nil, refuse(ErrSealed, "only the kit that it was made for can open it", "the settings are sealed")
		}
		var err error
		if plain, err = unseal(v.docs, identity, maxDocuments); err != nil {
			return nil, err
		}
	}
	f := openFields("the bundle", plain)
	f.version(formatVersion)
	c := &Config{Head: v.Head, Name: v.Name, Fleet: v.Fleet, Trust: v.Trust, Sealed: v.Sealed, Docs: Documents{
		Node: f.text(1, "longwire.toml", maxDocuments), SIS: f.text(2, "s5066d.toml", maxDocuments), Kit: f.text(3, "kit.toml", maxDocuments),
		TLSCert: f.bytes(4, "certificate", maxDocuments), TLSKey: f.bytes(5, "the certificate's key", maxDocuments),
		Phrases: f.text(6, "phrases.txt", maxDocuments),
	}}
	for _, doc := range []string{c.Docs.Node, c.Docs.SIS, c.Docs.Kit, c.Docs.Phrases} {
		if !utf8.ValidString(doc) || strings.ContainsRune(doc, 0) {
			f.fail("a document is not text")
		}
	}
	if (c.Docs.TLSCert == nil) != (c.Docs.TLSKey == nil) {
		f.fail("it must have both a certificate and the certificate's key, or neither")
	}
	if err := f.done(); err != nil {
		return nil, err
	}
	return c, nil
}
