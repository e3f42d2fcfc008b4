package board

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// File systems of sticks, as mount(2) names them.
const (
	VFAT = "vfat"
	Ext4 = "ext4"
)

// probeSize is how much of a device tells its file system.
const probeSize = 2048

// filesystem tells what the head of a device holds: VFAT, Ext4, the name of another that is well known, or "".
func filesystem(head []byte) string {
	if len(head) < probeSize {
		return ""
	}
	// Microsoft Extensible Firmware Initiative FAT32 File System Specification 1.03, "Boot Sector and BPB".
	sector, perCluster := binary.LittleEndian.Uint16(head[11:]), head[13]
	reserved, fats := binary.LittleEndian.Uint16(head[14:]), head[16]
	signed := head[510] == 0x55 && head[511] == 0xAA
	switch {
	case bytes.Equal(head[3:11], []byte("EXFAT   ")):
		return "exFAT"
	case bytes.Equal(head[3:11], []byte("NTFS    ")):
		return "NTFS"
	case signed && power2(int(sector)) && sector >= 512 && sector <= 4096 && power2(int(perCluster)) && reserved > 0 && (fats == 1 || fats == 2) &&
		(bytes.HasPrefix(head[54:], []byte("FAT")) || bytes.HasPrefix(head[82:], []byte("FAT32"))):
		return VFAT
	// Linux Documentation/filesystems/ext4: the superblock begins at 1024, its s_magic is at 0x38. The driver of ext4 reads ext2 and ext3, too.
	case binary.LittleEndian.Uint16(head[1024+0x38:]) == 0xEF53:
		return Ext4
	}
	return ""
}

func power2(n int) bool { return n > 0 && n&(n-1) == 0 }

// probe reads the head of a device.
func probe(device string) (string, error) {
	f, err := os.Open(device)
	if err != nil {
		return "", fmt.Errorf("board: reading %s: %w", device, err)
	}
	defer f.Close()
	head := make([]byte, probeSize)
	if _, err := io.ReadFull(f, head); err != nil {
		return "", fmt.Errorf("board: reading %s: %w", device, err)
	}
	return filesystem(head), nil
}
