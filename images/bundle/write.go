package bundle

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

// WriteSystem compresses an image and writes the whole bundle, spooling the payload to a temporary file, since the
// manifest goes first. Sizes, digests and compression of s are found out here; it returns s with them.
func WriteSystem(w io.Writer, s System, signer Signer, image io.Reader) (System, error) {
	spool, err := os.CreateTemp("", "longwire-system-*")
	if err != nil {
		return s, fmt.Errorf("bundle: spool: %w", err)
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	if err := s.compress(spool, image); err != nil {
		return s, err
	}
	manifest, err := s.manifest(signer)
	if err != nil {
		return s, err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return s, fmt.Errorf("bundle: spool: %w", err)
	}
	head := binary.BigEndian.AppendUint32([]byte(systemMagic), uint32(len(manifest)))
	for _, b := range [][]byte{head, manifest} {
		if _, err := w.Write(b); err != nil {
			return s, fmt.Errorf("bundle: write: %w", err)
		}
	}
	if _, err := io.Copy(w, spool); err != nil {
		return s, fmt.Errorf("bundle: write: %w", err)
	}
	return s, nil
}

// compress fills the spool, and the fields that describe it.
func (s *System) compress(spool io.Writer, image io.Reader) error {
	packed, plain := meter{Hash: sha256.New()}, meter{Hash: sha256.New()}
	z, err := zstd.NewWriter(io.MultiWriter(spool, &packed), zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(window))
	if err != nil {
		return fmt.Errorf("bundle: compress: %w", err)
	}
	_, err = io.Copy(io.MultiWriter(z, &plain), io.LimitReader(image, MaxImage+1))
	if err = errors.Join(err, z.Close()); err != nil {
		return fmt.Errorf("bundle: compress: %w", err)
	}
	s.ImageSize, s.PayloadSize, s.Compression = plain.n, packed.n, zstdName
	s.ImageSHA256, s.PayloadSHA256 = [32]byte(plain.Sum(nil)), [32]byte(packed.Sum(nil))
	return nil
}

// meter is a digest that counts.
type meter struct {
	hash.Hash
	n int64
}

func (m *meter) Write(b []byte) (int, error) {
	m.n += int64(len(b))
	return m.Hash.Write(b)
}
