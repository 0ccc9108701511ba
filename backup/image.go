package backup

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
)

// kindImaged is the kind of resources that there can be images of.
const kindImaged = "instance"

// An Imager is a Client that can list images, and make the steps StepRegister
// and StepDeregister. A plan with Copy.Image needs one; the engine asks it as
// whoever lists the site.
type Imager interface {
	// Images lists the site's own images that carry the tags; "" matches any
	// value. The listing is one paginated, filtered call. An error ends it.
	Images(ctx context.Context, tags map[string]string) iter.Seq2[Image, error]
}

// An Image is what a listing says of one image.
type Image struct {
	ID      string      `json:"id"`                // "ami-…"
	Name    string      `json:"name"`              // unique among the account's own in the Region
	Owner   accounts.ID `json:"owner"`             // 12 digits: OwnerId
	State   ImageState  `json:"state"`             // as EC2 names it
	Message string      `json:"message,omitempty"` // why it is in the state, if AWS tells
	Created time.Time   `json:"created"`           // CreationDate
	// Snapshots that it is registered with, in any order.
	Snapshots []string `json:"snapshots"`
	// What AWS bills an instance of it as, in the words of Machine.
	PlatformDetails string            `json:"platformDetails,omitempty"`
	UsageOperation  string            `json:"usageOperation,omitempty"` // "RunInstances" for plain Linux
	ProductCodes    string            `json:"productCodes,omitempty"`   // sorted, parted by spaces
	Tags            map[string]string `json:"tags,omitempty"`           // all of them
}

// An ImageState is EC2's state of an image.
type ImageState string

// The states that matter to the engine (EC2 API Reference, Image). ImagePending
// is waited for; an image in any other but ImageAvailable is no good.
const (
	ImagePending   ImageState = "pending"
	ImageAvailable ImageState = "available"
)

// imagerOf returns what a client can do with images, nil if nothing.
func imagerOf(c Client) Imager {
	i, _ := c.(Imager)
	return i
}

// imageViewOf names the listing of a destination's images.
func imageViewOf(site Site, driver int) viewID {
	return viewID{site: site, purpose: accounts.VaultWriter, driver: driver, images: true}
}

// listImages lists a site's images by their keys. Names are unique, and an
// image is named for its key: of several with one key only the right one has
// that name.
func (e *Engine) listImages(ctx context.Context, id viewID) (map[string]Image, error) {
	c, err := e.client(ctx, id.driver, actor{site: id.site, purpose: id.purpose}, errand{})
	if err != nil {
		return nil, err
	}
	imager := imagerOf(c)
	if imager == nil {
		return nil, fmt.Errorf("list images of %s: %w", id.site, ErrUnsupported)
	}
	found := map[string]Image{}
	for image, err := range imager.Images(ctx, map[string]string{tagVault: string(e.opts.Vault)}) {
		if err != nil {
			return nil, fmt.Errorf("list images of %s: %w", id.site, err)
		}
		if key := image.Tags[tagKey]; image.Owner == id.site.Account && image.Name == imageName(key) {
			found[key] = image
		}
	}
	return found, nil
}

// addImages finds the images of points of one site.
func (e *Engine) addImages(ctx context.Context, points []Point, at viewID) error {
	v, err := e.see(ctx, imageViewOf(at.site, at.driver), time.Now())
	if err != nil {
		return err
	}
	for i, pt := range points {
		if image, whole, ok := pt.imageOf(v, e.opts.Vault); ok && whole {
			points[i].Image = &image
		}
	}
	return nil
}

// imageName is what the image with a key is called.
func imageName(key string) string { return "snapkeep-" + key }

// imageKeyOf is the key of the image of a point's copies at a site.
func imageKeyOf(vault accounts.ID, run, resource string, at Site) string {
	return keyOf(vault, run, resource, keyImage, "", at.String())
}

// imageOf finds a point's own image in a listing of its site: one that is named
// for the point, carries its tags, and is registered with a snapshot of it.
// It is whole if all its snapshots are the point's: EC2 lets those be deleted
// that are not the root's.
func (pt Point) imageOf(v *view, vault accounts.ID) (image Image, whole, ok bool) {
	image, ok = v.imaged[imageKeyOf(vault, RunID(pt.Plan, pt.Run), pt.Resource, pt.Site)]
	if !ok || !pt.Copy || image.Tags[tagPoint] != pt.ID {
		return Image{}, false, false
	}
	snaps, mine := pt.snapshots(), 0
	for _, id := range image.Snapshots {
		if slices.ContainsFunc(snaps, func(s Snapshot) bool { return s.ID == id }) {
			mine++
		}
	}
	return image, mine == len(image.Snapshots), mine > 0
}
