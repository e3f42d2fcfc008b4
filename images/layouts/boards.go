// Package layouts describes the disks of kits: which partitions a board's disk has, what starts it, and the files that every kit's system has
// on top of its distribution. It is the one description for both ways to an image: Debian's packages (tools/mkimage) and Buildroot.
package layouts

import "fmt"

// A Board is what differs between machines, as data.
type Board struct {
	Name   string // as in kit.board= on the kernel's command line and in package board
	Title  string
	GOARCH string // what its programs are built for
	GOARM  string

	// The kernel, in /boot of each slot, and how U-Boot starts it.
	Kernel  string // "Image" or "zImage"
	Boot    string // U-Boot's command: "booti" or "bootz"
	DTB     string // file in /boot; "": the device tree that U-Boot itself was given
	Console string // for console=
	Extra   string // further words for the kernel

	// The disk: U-Boot's words for the one inside the machine. Nothing else is ever booted from.
	Interface string // "virtio" or "mmc"
	Device    int
	Root      string // Linux' name of its partitions, without their number
	Table     string // "gpt"; "hybrid": with an MBR too, for a ROM that reads no GPT

	// BootFiles are what the ROM and the firmware need on the boot partition, beside boot.scr.
	BootFiles []string
	// Raw are what the ROM reads at fixed places before the first partition.
	Raw []RawFile

	// ECAM is the address of the PCI configuration space, where boot.cmd looks for an i6300esb watchdog; "": U-Boot starts the board's own.
	ECAM string

	Sizes Sizes
}

// A RawFile is written at a fixed place of the disk, outside of any partition.
type RawFile struct {
	File   string
	Offset int64
}

// Sizes of partitions in bytes. Data has its size from the image: a kit
// never writes its partition table, which a power cut could leave in half.
type Sizes struct{ Boot, Root, Data int64 }

const mib = 1 << 20

// boards is the data.
var boards = []Board{
	{
		Name: "qemu-aarch64", Title: "QEMU virt, 64 bit", GOARCH: "arm64",
		Kernel: "Image", Boot: "booti", Console: "ttyAMA0",
		Interface: "virtio", Root: "/dev/vda", Table: "gpt",
		// QEMU hw/arm/virt.c: VIRT_HIGH_PCIE_ECAM.
		ECAM:  "4010000000",
		Sizes: Sizes{Boot: 16 * mib, Root: 128 * mib, Data: 64 * mib},
	},
	{
		Name: "qemu-armv7", Title: "QEMU virt, 32 bit", GOARCH: "arm", GOARM: "7",
		Kernel: "zImage", Boot: "bootz", Console: "ttyAMA0",
		Interface: "virtio", Root: "/dev/vda", Table: "gpt",
		// QEMU hw/arm/virt.c: VIRT_PCIE_ECAM, with highmem=off.
		ECAM:  "3f000000",
		Sizes: Sizes{Boot: 16 * mib, Root: 128 * mib, Data: 64 * mib},
	},
	{
		Name: "rpi4", Title: "Raspberry Pi 4 B or Compute Module 4", GOARCH: "arm64",
		Kernel: "Image", Boot: "booti", Console: "tty1", // a monitor: the serial port of the header is a modem's
		Interface: "mmc", Root: "/dev/mmcblk0p", Table: "hybrid",
		BootFiles: []string{"start4.elf", "fixup4.dat", "config.txt", "bcm2711-rpi-4-b-longwire.dtb", "bcm2711-rpi-cm4-io-longwire.dtb", "u-boot.bin"},
		Sizes:     Sizes{Boot: 64 * mib, Root: 256 * mib, Data: 1024 * mib},
	},
	{
		Name: "bbb", Title: "BeagleBone Black", GOARCH: "arm", GOARM: "7",
		Kernel: "zImage", Boot: "bootz", DTB: "am335x-boneblack-longwire.dtb", Console: "ttyS0,115200",
		Interface: "mmc", Device: 1, Root: "/dev/mmcblk1p", Table: "gpt", // eMMC
		// AM335x TRM §26.1.8.5.5, raw mode: the ROM tries 0, 128, 256 and 384 KiB. U-Boot's SPL then reads sector 0x300.
		Raw:   []RawFile{{"MLO", 128 << 10}, {"u-boot.img", 384 << 10}},
		Sizes: Sizes{Boot: 16 * mib, Root: 256 * mib, Data: 1024 * mib},
	},
}

// Boards are all boards that there are images for.
func Boards() []Board { return append([]Board(nil), boards...) }

// Names are their names.
func Names() (names []string) {
	for _, b := range boards {
		names = append(names, b.Name)
	}
	return names
}

// Find is the board of that name.
func Find(name string) (Board, error) {
	for _, b := range boards {
		if b.Name == name {
			return b, nil
		}
	}
	return Board{}, fmt.Errorf("layouts: there is no board %q; there are %v", name, Names())
}
