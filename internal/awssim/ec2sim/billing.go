package ec2sim

import "slices"

// A billing is what a snapshot remembers of the image that its volume was
// started from: the platform that is billed, and codes of the AWS Marketplace.
// Most have none.
//
// Source: EC2 API Reference, RegisterImage: "the RegisterImage operation
// derives the correct billing information from the snapshot's metadata, but
// this requires the appropriate metadata to be present", and "If any snapshots
// have Amazon Web Services Marketplace product codes, they are copied to the
// new AMI". Which snapshots have the metadata is not written there. Here those
// of root volumes have it, and hand it on to volumes and copies made of them.
type billing struct {
	platform platform
	products []string
}

// billingOf returns what is to be remembered of a platform, nil for nothing.
func billingOf(p platform, products []string) *billing {
	if (p == platform{} || p == linux) && len(products) == 0 {
		return nil
	}
	return &billing{p, products}
}

// SetBillingLost says whether copies of snapshots into another account lose
// what RegisterImage would derive billing information from: an image of them
// is one of plain Linux then. No public source tells when AWS loses it, only
// that whoever registers an image must look. By default it is kept.
func (s *Service) SetBillingLost(lost bool) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	s.billingLost = lost
}

// carried is what a copy remembers.
func (s *Service) carried(st *site, source *snapshot) *billing {
	if s.billingLost && source.site.Account != st.Account {
		return nil
	}
	return source.billing
}

// bill derives the billing information of an image from its snapshots: the
// platform from that of the root device, the codes from all.
func (im *image) bill(sources []*snapshot) {
	for _, m := range im.mappings {
		i := slices.IndexFunc(sources, func(sn *snapshot) bool { return sn.id == m.snapshot })
		if i < 0 || sources[i].billing == nil {
			continue
		}
		b := sources[i].billing
		if m.device == im.rootDevice && b.platform != (platform{}) {
			im.platform = b.platform
		}
		for _, code := range b.products {
			if !slices.Contains(im.products, code) {
				im.products = append(im.products, code)
			}
		}
	}
}
