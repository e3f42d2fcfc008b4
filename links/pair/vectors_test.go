package pair_test

// Made by this package, and found the same by a second implementation (Python, with the X25519 and HKDF of its package cryptography).
const (
	vectorHello     = "00020000800211f0899fb50102c0ce47d305fa983fb67cfb825f7555a3526755f51529c567717abb2560296b313f79b1be696d7388864bbdb3"
	vectorHelloData = "00020000800211f0899fb50102c0ce47d305fa983fb67cfb825f7555a3526755f51529c567717abb2560296b31af8dac0b1d2cd10f1ef5976164617461"
	vectorAnswer    = "00020000800212f0899fb501020031f4a624f1cc6d6dbcc2615bca70caa3"
	vectorConflict  = "00020000800212f0899fb501020100000000bfa9a4eea5cb5b432f6259d564617461"
	vectorQuestion  = "00000000800213f0899fb531f4a624e14adb0ce4c16fb27a94a29f"
)
