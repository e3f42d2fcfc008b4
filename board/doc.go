// Package board is the hardware: serial ports and their lines, outputs that key a transmitter, and of a kit the LEDs, the button, USB
// sticks, the watchdog and the clock's chip. It opens things and moves bytes and levels, and knows nothing of what they mean. What a board
// has is data (profiles.go); all of it may be missing, as on a PC.
package board
