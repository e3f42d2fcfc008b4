package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"
)

const (
	systemMagic = "LWSYS\r\n\x1a" // a copy that was treated as text breaks it, as PNG's does
	preamble    = len(systemMagic) + 4
	maxManifest = 64 << 10

	// MaxImage is the largest image of a slot that is believed.
	MaxImage = 4 << 30
	// window is zstd's: how far back it refers, and so what reading costs in memory.
	window = 8 << 20

	zstdName = "zstd"
)

// System is what a system bundle says of its payload, the image of a slot for the board in Target.
type System struct {
	Head
	Version       string // of the system, for people
	ImageSize     int64
	ImageSHA256   [32]byte
	PayloadSize   int64
	PayloadSHA256 [32]byte
	Compression   string // "zstd"
	Downgrade     bool   // it may follow a system with a higher counter
	StoreFormat   uint64 // the format of the store that this system writes, and the highest that it reads; 0: not told
	StoreOldest   uint64 // the lowest format that it can work with as it is; 0: not told
}

type systemRecord struct {
	headRecord
	Version       string `cbor:"16,keyasint"`
	ImageSize     uint64 `cbor:"17,keyasint"`
	ImageSHA256   []byte `cbor:"18,keyasint"`
	PayloadSize   uint64 `cbor:"19,keyasint"`
	PayloadSHA256 []byte `cbor:"20,keyasint"`
	Compression   string `cbor:"21,keyasint"`
	Downgrade     bool   `cbor:"22,keyasint,omitempty"`
	StoreFormat   uint64 `cbor:"23,keyasint,omitempty"`
	StoreOldest   uint64 `cbor:"24,keyasint,omitempty"`
}

func (s System) check() error {
	switch {
	case s.Target.Board == "":
		return errors.New("bundle: a system must be for a board")
	case s.Version == "":
		return errors.New("bundle: a system must have a version")
	case s.ImageSize < 1 || s.ImageSize > MaxImage:
		return fmt.Errorf("bundle: an image of %d bytes cannot be; up to %d are allowed", s.ImageSize, int64(MaxImage))
	case s.PayloadSize < 1 || s.PayloadSize > MaxImage:
		return fmt.Errorf("bundle: a payload of %d bytes cannot be; up to %d are allowed", s.PayloadSize, int64(MaxImage))
	}
	if s.StoreOldest > s.StoreFormat {
		return fmt.Errorf("bundle: the oldest store format %d is above the one that is written, %d", s.StoreOldest, s.StoreFormat)
	}
	return checkTitle("the version", s.Version)
}

// manifest signs what there is to say.
func (s System) manifest(signer Signer) ([]byte, error) {
	head, err := s.record(KindSystem, signer)
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return nil, err
	}
	payload, err := encMode.Marshal(systemRecord{head, s.Version, uint64(s.ImageSize), s.ImageSHA256[:],
		uint64(s.PayloadSize), s.PayloadSHA256[:], zstdName, s.Downgrade, s.StoreFormat, s.StoreOldest})
	if err != nil {
		return nil, fmt.Errorf("bundle: encode: %w", err)
	}
	b, err := sign(systemType, payload, signer)
	if err == nil && len(b) > maxManifest {
		err = fmt.Errorf("bundle: the manifest has %d bytes; %d are allowed", len(b), maxManifest)
	}
	return b, err
}

// SystemFile is a system bundle whose manifest is verified, and whose payload is not until Check has read it.
type SystemFile struct {
	System
	Key      Key      // who signed
	Digest   [32]byte // SHA-256 of preamble and manifest, which stand for the whole: the bundle's identity
	FirstUse bool     // see Verified

	payload *io.SectionReader
}

// OpenSystem verifies the manifest of a system bundle of the given size, and that its payload is all there. Keys are
// as in ReadHead.
func OpenSystem(r io.ReaderAt, size int64, trust []Key) (*SystemFile, error) {
	b, manifest, err := readManifest(r, size)
	if err != nil {
		return nil, err
	}
	e, err := open(systemType, manifest)
	if err != nil {
		if errors.Is(err, ErrTruncated) || errors.Is(err, ErrNotBundle) || errors.Is(err, ErrKind) {
			return nil, refuse(ErrDamaged, copyAgain, "the file is damaged in its first %d bytes", len(b))
		}
		return nil, err
	}
	key, err := e.believe(trust)
	if err != nil {
		return nil, err
	}
	f := &SystemFile{Key: key, Digest: sha256.Sum256(b), FirstUse: len(trust) == 0}
	if err := f.read(e.payload); err != nil {
		return nil, err
	}
	if f.FirstUse {
		f.Key.Name = f.Organisation
	}
	switch have := size - int64(len(b)); {
	case have < f.PayloadSize:
		return nil, refuse(ErrTruncated, copyAgain, "the file is cut short: %d of its %d bytes are missing", f.PayloadSize-have, f.PayloadSize+int64(len(b)))
	case have > f.PayloadSize:
		return nil, refuse(ErrDamaged, copyAgain, "there are %d bytes behind the end of the bundle", have-f.PayloadSize)
	}
	f.payload = io.NewSectionReader(r, int64(len(b)), f.PayloadSize)
	return f, nil
}

// readManifest reads what stands in front of the payload: all of it, and the manifest alone.
func readManifest(r io.ReaderAt, size int64) (all, manifest []byte, err error) {
	first := make([]byte, max(0, min(size, int64(len(prefix(configType))))))
	if err := readAt(r, first, 0); err != nil {
		return nil, nil, err
	}
	if n := min(len(first), len(systemMagic)); string(first[:n]) != systemMagic[:n] {
		return nil, nil, foreign(first)
	}
	if len(first) < preamble {
		return nil, nil, cut(len(first))
	}
	length := int64(binary.BigEndian.Uint32(first[len(systemMagic):]))
	if length > maxManifest {
		return nil, nil, refuse(ErrDamaged, copyAgain, "the file is damaged in its first %d bytes", preamble)
	}
	if size < int64(preamble)+length {
		return nil, nil, cut(int(size))
	}
	all = make([]byte, int64(preamble)+length)
	if err := readAt(r, all, 0); err != nil {
		return nil, nil, err
	}
	return all, all[preamble:], nil
}

func readAt(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	switch {
	case n == len(b):
		return nil
	case errors.Is(err, io.EOF):
		return refuse(ErrTruncated, copyAgain, "the file is cut short after %d bytes", at+int64(n))
	}
	return fmt.Errorf("bundle: read: %w", err)
}

// read takes the manifest's fields.
func (s *System) read(payload []byte) error {
	f := openFields("the system bundle", payload)
	s.Head = f.head(KindSystem)
	s.Version = f.text(16, "version", maxName)
	s.ImageSize, s.ImageSHA256 = f.size(17, "image size"), f.digest(18, "image digest")
	s.PayloadSize, s.PayloadSHA256 = f.size(19, "payload size"), f.digest(20, "payload digest")
	s.Compression = f.text(21, "compression", maxName)
	s.Downgrade = f.flag(22, "downgrade")
	s.StoreFormat, s.StoreOldest = f.number(23, "store format"), f.number(24, "oldest store format")
	f.must(s.check())
	if err := f.done(); err != nil {
		return err
	}
	if s.Compression != zstdName {
		return refuse(ErrNewer, makeAnew, "its image is compressed by %q, and this system only knows zstd", s.Compression)
	}
	return nil
}

func (f *fields) size(key uint64, name string) int64 { return int64(min(f.number(key, name), 1<<62)) }

// Check reads the whole payload and compares its digest. progress, if any, is told the bytes that were read so far.
func (f *SystemFile) Check(ctx context.Context, progress func(done, total int64)) error {
	h, buf := sha256.New(), make([]byte, 256<<10)
	for done := int64(0); done < f.PayloadSize; {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := buf[:min(int64(len(buf)), f.PayloadSize-done)]
		if err := readAt(f.payload, b, done); err != nil {
			return err
		}
		h.Write(b)
		done += int64(len(b))
		if progress != nil {
			progress(done, f.PayloadSize)
		}
	}
	if !bytes.Equal(h.Sum(nil), f.PayloadSHA256[:]) {
		return refuse(ErrDamaged, copyAgain, "the file is damaged: its content is not what its maker signed")
	}
	return nil
}

// Image reads the image. It never yields more than ImageSize bytes, and io.EOF only when all of them were there and
// their digest was right: a stick may give other bytes now than it gave to Check.
func (f *SystemFile) Image() (io.ReadCloser, error) {
	d, err := zstd.NewReader(io.NewSectionReader(f.payload, 0, f.PayloadSize),
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderMaxMemory(MaxImage))
	if err != nil {
		return nil, fmt.Errorf("bundle: decompress: %w", err)
	}
	return &image{zstd: d, left: f.ImageSize, hash: sha256.New(), want: f.ImageSHA256[:]}, nil
}

type image struct {
	zstd *zstd.Decoder
	left int64
	hash hash.Hash
	want []byte
	err  error
}

func (i *image) Read(b []byte) (n int, err error) {
	if i.err != nil || len(b) == 0 {
		return 0, i.err
	}
	if i.left == 0 {
		i.err = i.end()
		return 0, i.err
	}
	n, err = i.zstd.Read(b[:min(int64(len(b)), i.left)])
	i.hash.Write(b[:n])
	i.left -= int64(n)
	switch {
	case err == nil, errors.Is(err, io.EOF) && i.left == 0:
		return n, nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		i.err = refuse(ErrDamaged, copyAgain, "the image ends %d bytes too early", i.left)
	default:
		i.err = refuse(ErrDamaged, copyAgain, "the image cannot be decompressed (%v)", err)
	}
	return n, i.err
}

// end is asked for when all bytes are there.
func (i *image) end() error {
	n, err := i.zstd.Read(make([]byte, 1))
	switch {
	case n > 0:
		return refuse(ErrDamaged, copyAgain, "the image is larger than its maker signed")
	case !errors.Is(err, io.EOF):
		return refuse(ErrDamaged, copyAgain, "the image cannot be decompressed (%v)", err)
	case !bytes.Equal(i.hash.Sum(nil), i.want):
		return refuse(ErrDamaged, copyAgain, "the image is not what its maker signed")
	}
	return io.EOF
}

func (i *image) Close() error {
	i.zstd.Close()
	i.err = errors.New("bundle: the image is closed")
	return nil
}
