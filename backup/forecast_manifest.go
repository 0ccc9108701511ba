package backup

// A together is what one call describes.
type together struct {
	driver int
	site   Site
	kind   string
}

// manifest reckons the manifest of a job that will make originals.
func (f *forecaster) manifest(j Job, driver int) {
	if f.e.opts.Manifests == nil || j.Settle || traced(j.Originals) || j.Manifest.Digest != "" || j.Manifest.Trial.Fault != nil {
		return
	}
	if f.described == nil {
		f.described = map[together]int{}
	}
	f.out.Manifests++
	f.described[together{driver, j.Resource.Site, j.Resource.Kind}]++
}

// reads adds up what describing takes, where the driver can tell.
func (f *forecaster) reads() {
	for what, n := range f.described {
		d, ok := f.e.drivers[what.driver].(DescribeCounter)
		if !ok {
			continue
		}
		for api, calls := range d.DescribeCalls(what.kind, n, f.e.opts.ManifestDetails) {
			if calls == 0 {
				continue
			}
			if f.out.Reads == nil {
				f.out.Reads = map[string]int{}
			}
			f.out.Reads[api] += calls
		}
	}
}
