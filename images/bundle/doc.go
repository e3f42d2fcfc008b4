// Package bundle is the signed container in which settings and systems travel to a kit on a stick: it writes, verifies
// and reads both kinds, and it holds the keys' text forms. It is pure on bytes; who may be believed, and what is done
// with what was read, its callers decide.
//
// A config bundle (*.lwb) is one COSE_Sign1 message (RFC 9052 §4.2), tagged, whose payload is a CBOR map:
//
//	d2 84                    tag 18, array of 4
//	58 xx a3 …               protected: 1 (alg): -8 (EdDSA), 3 (content type): which kind of bundle,
//	                         4 (kid): the organisation's Ed25519 public key, all 32 bytes
//	a0                       unprotected: nothing
//	5x …                     payload
//	58 40 …                  signature, 64 bytes
//
// A system bundle (*.lws) is such a message, the manifest, with the payload that it describes behind it:
//
//	8 bytes                  "LWSYS\r\n\x1a"
//	4 bytes                  length of the manifest, big endian
//	manifest                 COSE_Sign1
//	payload                  zstd (RFC 8878) of the image of a slot
//
// Every byte in front of the kid is the same in all bundles of a kind, so it serves as the magic number, and a message
// of one kind never passes for the other: the content type is under the signature.
//
// The payload's map has small integers as keys, in RFC 8949 §4.2.1 order. Key 0 is the version. A reader refuses what it
// does not know (ErrNewer), but for keys from 128 on, which may be ignored: so a writer can choose, key by key, whether
// old readers may act without it. A key is never used again for something else. testdata holds files of each kind.
package bundle
