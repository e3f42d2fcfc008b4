// Package board is the hardware: serial ports and their lines, and outputs that key a transmitter. It opens things and moves bytes and
// levels, and knows nothing of what they mean.
package board
