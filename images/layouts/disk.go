package layouts

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"longwire/images/slots"
)

// A Partition of a kit's disk.
type Partition struct {
	Name   string // its GPT PARTLABEL
	FS     string // "vfat", "ext4", or "" for raw
	Offset int64
	Size   int64
	UUID   string
}

// Kinds of partitions in a GPT (UEFI specification §5.3.3 and the Linux ones).
const (
	typeBoot  = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B" // EFI system partition: what U-Boot takes for bootable
	typeLinux = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
)

// Names of partitions that are not of a slot.
const (
	BootPartition = "boot"
	DataPartition = "data"
)

// Reserved is how much of the data partition, in percent, only root may fill: the kit's daemon. The node's store grows as long as there is room, and
// what makes a kit healthy again (an undo, other settings, a note that a system failed) must be written then, too.
const Reserved = 5

// alignment of partitions: the erase blocks of common eMMC and SD cards. It leaves room for a board's Raw files in front.
const alignment = 4 * mib

// Partitions are those of a board's disk, in order.
func (b Board) Partitions() []Partition {
	ps := []Partition{
		{Name: BootPartition, FS: "vfat", Size: b.Sizes.Boot},
		{Name: slots.Partition, Size: slots.EnvSize},
		{Name: slots.A.Partition(), FS: "ext4", Size: b.Sizes.Root},
		{Name: slots.B.Partition(), FS: "ext4", Size: b.Sizes.Root},
		{Name: DataPartition, FS: "ext4", Size: b.Sizes.Data},
	}
	at := int64(alignment)
	for i := range ps {
		ps[i].Offset, ps[i].UUID = at, UUID(b.Name+" "+ps[i].Name)
		at = (at + ps[i].Size + alignment - 1) / alignment * alignment
	}
	return ps
}

// Partition is the one of that name.
func (b Board) Partition(name string) Partition {
	for _, p := range b.Partitions() {
		if p.Name == name {
			return p
		}
	}
	panic("layouts: no partition " + name)
}

// Size of the disk image: the partitions and the second GPT behind them.
func (b Board) Size() int64 {
	p := b.Partition(DataPartition)
	return p.Offset + p.Size + mib
}

// UUID is always the same for the same text, so that images can be made again: version 8 of RFC 9562 §5.8.
func UUID(text string) string {
	h := sha256.Sum256([]byte("longwire " + text))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

func (p Partition) kind() string {
	if p.Name == BootPartition {
		return typeBoot
	}
	return typeLinux
}

// Sfdisk is the input that makes sfdisk write the partition table.
func (b Board) Sfdisk() string {
	var s strings.Builder
	fmt.Fprintf(&s, "label: gpt\nlabel-id: %s\n", UUID(b.Name))
	for _, p := range b.Partitions() {
		fmt.Fprintf(&s, "start=%d, size=%d, type=%s, uuid=%s, name=%s\n", p.Offset/512, p.Size/512, p.kind(), p.UUID, p.Name)
	}
	return s.String()
}

// Genimage is the board's genimage.cfg for Buildroot. Its input are rootfs.ext4, bootenv.bin (from mkimage layout), boot.scr, and the board's
// own files.
func (b Board) Genimage() string {
	var s strings.Builder
	fmt.Fprintf(&s, "# %s. Written by mkimage layout %s -genimage.\n", b.Title, b.Name)
	fmt.Fprintf(&s, "image boot.vfat {\n\tvfat {\n\t\tlabel = \"BOOT\"\n\t\tfiles = {\n")
	for _, f := range append([]string{"boot.scr"}, b.BootFiles...) {
		fmt.Fprintf(&s, "\t\t\t%q,\n", f)
	}
	fmt.Fprintf(&s, "\t\t}\n\t}\n\tsize = %d\n}\n\n", b.Sizes.Boot)
	fmt.Fprintf(&s, "image data.ext4 {\n\text4 {\n\t\tuse-mke2fs = true\n\t\tlabel = \"data\"\n\t\textraargs = \"-m %d -U %s\"\n\t}\n\tempty = true\n\tsize = %d\n}\n\n",
		Reserved, UUID("data"), b.Sizes.Data)
	fmt.Fprintf(&s, "image disk.img {\n\thdimage {\n\t\tpartition-table-type = %q\n\t\tdisk-uuid = %q\n\t}\n", b.Table, UUID(b.Name))
	for _, r := range b.Raw {
		fmt.Fprintf(&s, "\tpartition %s {\n\t\tin-partition-table = false\n\t\toffset = %d\n\t\timage = %q\n\t}\n", strings.NewReplacer(".", "-").Replace(r.File), r.Offset, r.File)
	}
	for _, p := range b.Partitions() {
		fmt.Fprintf(&s, "\tpartition %s {\n\t\toffset = %d\n\t\tsize = %d\n\t\timage = %q\n", p.Name, p.Offset, p.Size, p.image())
		fmt.Fprintf(&s, "\t\tpartition-type-uuid = %q\n\t\tpartition-uuid = %q\n", p.kind(), p.UUID)
		if b.Table == "hybrid" && p.Name == BootPartition {
			fmt.Fprintf(&s, "\t\tpartition-type = 0xc\n\t\tbootable = true\n")
		}
		fmt.Fprintf(&s, "\t}\n")
	}
	fmt.Fprintf(&s, "}\n")
	return s.String()
}

// image is the file that a partition is filled with.
func (p Partition) image() string {
	switch p.Name {
	case BootPartition:
		return "boot.vfat"
	case slots.Partition:
		return "bootenv.bin"
	case DataPartition:
		return "data.ext4"
	}
	return "rootfs.ext4"
}
