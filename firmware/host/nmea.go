package host

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Receiver reads what a GPS receiver says: NMEA 0183, a sentence a line. It knows the time when a sentence that tells whether there is a
// fix (RMC or GGA) says so; until then receivers send a time of their own making.
type Receiver struct {
	fix int // lines for which a fix still counts
}

// fixLines is for how many sentences a fix counts: those of about two seconds.
const fixLines = 30

var (
	errSentence = errors.New("host: no sentence of NMEA 0183")
	errChecksum = errors.New("host: a sentence of NMEA 0183 with a wrong checksum")
)

// Line takes a sentence. ok says that it told a time that is to be believed, of the moment it was sent.
func (r *Receiver) Line(line string) (at time.Time, ok bool, err error) {
	fields, err := sentence(line)
	if err != nil {
		return time.Time{}, false, err
	}
	r.fix = max(0, r.fix-1)
	field := func(i int) string {
		if i < len(fields) {
			return fields[i]
		}
		return ""
	}
	// The address: two letters of the talker (GP, GN, GA …), three of the sentence.
	switch kind := field(0)[2:]; kind {
	case "RMC": // time, status, position …, date
		if field(2) != "A" {
			r.fix = 0
			return time.Time{}, false, nil
		}
		r.fix = fixLines
		date := field(9)
		if len(date) != 6 {
			return time.Time{}, false, nil
		}
		at, ok = moment(field(1), date[0:2], date[2:4], "20"+date[4:6])
	case "GGA": // time, position …, quality
		if q := field(6); q == "" || q == "0" {
			r.fix = 0
		} else {
			r.fix = fixLines
		}
	case "ZDA": // time, day, month, year
		if r.fix > 0 {
			at, ok = moment(field(1), field(2), field(3), field(4))
		}
	}
	return at, ok, nil
}

// sentence checks a line and gives its fields: "$" fields "*" checksum, at most 82 characters. Choice: twice that, since receivers with
// many satellites send longer ones.
func sentence(line string) ([]string, error) {
	line = strings.TrimRight(line, "\r\n")
	if i := strings.LastIndexByte(line, '$'); i > 0 {
		line = line[i:] // we came in the middle of another
	}
	body, sum, ok := strings.Cut(strings.TrimPrefix(line, "$"), "*")
	if !strings.HasPrefix(line, "$") || !ok || len(line) > 164 || len(sum) != 2 {
		return nil, errSentence
	}
	want, err := strconv.ParseUint(sum, 16, 8)
	if err != nil {
		return nil, errSentence
	}
	var got byte
	for i := range len(body) {
		got ^= body[i]
	}
	if got != byte(want) {
		return nil, errChecksum
	}
	fields := strings.Split(body, ",")
	if len(fields[0]) != 5 {
		return nil, errSentence // $P…: a maker's own
	}
	return fields, nil
}

// moment puts "hhmmss.ss" and a date together.
func moment(clock, day, month, year string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(clock, ".")
	if len(whole) != 6 || len(day) != 2 || len(month) != 2 || len(year) != 4 || len(fraction) > 9 {
		return time.Time{}, false
	}
	var n [7]int
	for i, s := range []string{year, month, day, whole[0:2], whole[2:4], whole[4:6], (fraction + "000000000")[:9]} {
		v, err := strconv.ParseUint(s, 10, 31)
		if err != nil {
			return time.Time{}, false
		}
		n[i] = int(v)
	}
	// A leap second is 60; Go counts it as the next.
	if n[1] < 1 || n[1] > 12 || n[2] < 1 || n[3] > 23 || n[4] > 59 || n[5] > 60 {
		return time.Time{}, false
	}
	at := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], n[6], time.UTC)
	if n[5] < 60 && at.Day() != n[2] { // the 31st of a shorter month
		return time.Time{}, false
	}
	return at, true
}
