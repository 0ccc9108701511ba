package backup

import (
	"fmt"
	"strconv"
	"strings"
)

// The values of tags are fields parted by colons, in a fixed order, without
// the empty ones at the end. Volumes in one value are parted by spaces. All
// characters are among those that every AWS service accepts in tags: letters,
// digits, spaces and + - = . _ : / @ (Tag Editor User Guide, "Tag naming
// limits and requirements"); others are written as =XX in hex, as in
// quoted-printable text.

const hexDigits = "0123456789ABCDEF"

// plainByte says whether a byte stands for itself within a field.
func plainByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("+-._/@", c) >= 0
}

func escapeField(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; plainByte(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'=', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return b.String()
}

func unescapeField(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case plainByte(c):
			b.WriteByte(c)
		case c == '=' && i+2 < len(s) && strings.IndexByte(hexDigits, s[i+1]) >= 0 && strings.IndexByte(hexDigits, s[i+2]) >= 0:
			b.WriteByte(byte(strings.IndexByte(hexDigits, s[i+1])<<4 | strings.IndexByte(hexDigits, s[i+2])))
			i += 2
		default:
			return "", fmt.Errorf("%q has no business in %q", s[i:min(i+3, len(s))], s)
		}
	}
	return b.String(), nil
}

// joinFields writes fields; splitFields reads them and fails if there are more
// than n. Missing ones are empty.
func joinFields(fields ...string) string {
	for i, f := range fields {
		fields[i] = escapeField(f)
	}
	return strings.TrimRight(strings.Join(fields, ":"), ":")
}

func splitFields(s string, n int) ([]string, error) {
	fields := strings.Split(s, ":")
	if len(fields) > n {
		return nil, fmt.Errorf("%q has %d fields, want at most %d", s, len(fields), n)
	}
	for i, f := range fields {
		var err error
		if fields[i], err = unescapeField(f); err != nil {
			return nil, err
		}
	}
	return append(fields, make([]string, n-len(fields))...), nil
}

// encodeMember writes "vol-1:/dev/xvda:root:gp3:100:3000:125:managed". The key
// is left out: it says nothing to who cannot use it.
func encodeMember(m Member) string {
	return joinFields(m.Volume, m.Device, flag(m.Root, "root"), m.Type,
		number(m.SizeGiB), number(m.IOPS), number(m.Throughput), flag(m.ManagedKey, "managed"))
}

func decodeMember(s string) (Member, error) {
	f, err := splitFields(s, 8)
	if err != nil {
		return Member{}, err
	}
	m := Member{Volume: f[0], Device: f[1], Type: f[3]}
	if m.Volume == "" {
		return Member{}, fmt.Errorf("%q names no volume", s)
	}
	for _, b := range []struct {
		to   *bool
		text string
		name string
	}{{&m.Root, f[2], "root"}, {&m.ManagedKey, f[7], "managed"}} {
		if *b.to = b.text == b.name; !*b.to && b.text != "" {
			return Member{}, fmt.Errorf("%q in %q, want %q or nothing", b.text, s, b.name)
		}
	}
	for _, n := range []struct {
		to   *int32
		text string
	}{{&m.SizeGiB, f[4]}, {&m.IOPS, f[5]}, {&m.Throughput, f[6]}} {
		if *n.to, err = parseNumber(n.text); err != nil {
			return Member{}, err
		}
	}
	if m.SizeGiB == 0 {
		return Member{}, fmt.Errorf("%q has no size", s)
	}
	return m, nil
}

// packMembers writes volumes into as few values as fit.
func packMembers(members []Member) []string {
	var values []string
	for _, m := range members {
		text := encodeMember(m)
		if n := len(values); n > 0 && len(values[n-1])+1+len(text) <= maxTagValue {
			values[n-1] += " " + text
			continue
		}
		values = append(values, text)
	}
	return values
}

// encodeMachine writes "m5.large:eu-west-1a:x86_64:uefi:ena:/dev/xvda".
func encodeMachine(m Machine) string {
	return joinFields(m.InstanceType, m.Zone, m.Architecture, m.BootMode, flag(m.ENA, "ena"), m.RootDevice)
}

func decodeMachine(s string) (Machine, error) {
	f, err := splitFields(s, 6)
	if err != nil {
		return Machine{}, err
	}
	if f[4] != "" && f[4] != "ena" {
		return Machine{}, fmt.Errorf("%q in %q, want \"ena\" or nothing", f[4], s)
	}
	return Machine{
		InstanceType: f[0], Zone: f[1], Architecture: f[2], BootMode: f[3], ENA: f[4] == "ena", RootDevice: f[5],
	}, nil
}

// encodePlatform writes "Windows:RunInstances=3A0002::simple:v2.0:imdsv2". Product codes that do not fit are left out:
// no point shall be lost for the sake of them.
func encodePlatform(m Machine) string {
	write := func(codes string) string {
		return joinFields(m.PlatformDetails, m.UsageOperation, codes, m.SRIOV, m.TPM, flag(m.IMDSv2, "imdsv2"))
	}
	if text := write(m.ProductCodes); len(text) <= maxTagValue {
		return text
	}
	return write("")
}

func (m *Machine) decodePlatform(s string) error {
	f, err := splitFields(s, 6)
	if err != nil {
		return err
	}
	if f[5] != "" && f[5] != "imdsv2" {
		return fmt.Errorf("%q in %q, want \"imdsv2\" or nothing", f[5], s)
	}
	m.PlatformDetails, m.UsageOperation, m.ProductCodes, m.SRIOV, m.TPM, m.IMDSv2 = f[0], f[1], f[2], f[3], f[4], f[5] != ""
	return nil
}

func flag(set bool, name string) string {
	if set {
		return name
	}
	return ""
}

func number(n int32) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(int(n))
}

func parseNumber(s string) (int32, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n <= 0 || strconv.FormatInt(n, 10) != s {
		return 0, fmt.Errorf("%q is not a positive number", s)
	}
	return int32(n), nil
}
