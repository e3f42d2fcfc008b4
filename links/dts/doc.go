// Package dts is the data transfer sublayer of STANAG 5066 (Annex C): D_PDUs and their bits, and the Station that moves C_PDUs by them over
// a half-duplex channel.
//
// The package has no clock, starts no goroutine and does no I/O. A Scanner finds D_PDUs in what a modem hands out; a Station is told
// what was heard and what time it is, and answers with transmissions and events. Clauses are cited from Edition 3.
package dts
