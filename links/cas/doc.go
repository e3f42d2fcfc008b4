// Package cas is the channel access sublayer of STANAG 5066 (Annex B, type 1): physical links between nodes, made and broken by C_PDUs of
// their own, and the C_PDUs that carry S_PDUs over them. A Node drives a dts.Station, and like it has no clock and does no I/O.
package cas
