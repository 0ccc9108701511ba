package limitertest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
)

const (
	vault, shop accounts.ID = "999999999999", "222222222222"
	ireland                 = "eu-west-1"
	frankfurt               = "eu-central-1"
)

// slow is a rate at which nothing comes back while calls are made one after the
// other, however slow they are.
const slow = 0.25 // a second

// Check takes tokens and slots of a Limiter that nobody else uses, in buckets
// of accounts 999999999999 and 222222222222. Its error joins all that is wrong.
// It takes about 15 seconds, since some of it is waiting; in a bubble of
// testing/synctest none.
func Check(ctx context.Context, l backup.Limiter) error {
	c := &checker{ctx: ctx, limiter: l}
	c.burst()
	c.apart()
	c.allOrNone()
	c.unlimited()
	c.throttled()
	c.slots()
	c.holds()
	c.cancelled()
	return errors.Join(c.errs...)
}

type checker struct {
	ctx     context.Context
	limiter backup.Limiter
	errs    []error
}

func (c *checker) wrong(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

// bucket returns one of an API that no other check uses.
func bucket(api string, burst, perSecond float64) backup.Bucket {
	return backup.Bucket{Account: vault, Region: ireland, API: api, Rate: backup.Rate{Burst: burst, PerSecond: perSecond}}
}

// take returns how long to wait.
func (c *checker) take(buckets ...backup.Bucket) time.Duration {
	wait, err := c.limiter.Take(c.ctx, buckets)
	if err != nil {
		c.wrong("Take: %w", err)
	}
	return wait
}

// granted checks that there is a token, or is none.
func (c *checker) granted(want bool, why string, buckets ...backup.Bucket) time.Duration {
	wait := c.take(buckets...)
	if (wait == 0) != want {
		c.wrong("%s: Take says to wait for %v", why, wait)
	}
	return wait
}

func (c *checker) burst() {
	b := bucket("Burst", 3, 1) // one a second
	for range 3 {
		c.granted(true, "a full bucket of three", b)
	}
	wait := c.granted(false, "an empty bucket", b)
	if wait > 2*time.Second {
		c.wrong("an empty bucket: Take says to wait for %v for a token a second", wait)
		return
	}
	time.Sleep(wait)
	for range 5 { // told a moment too early does no harm
		if wait = c.take(b); wait == 0 {
			return
		}
		time.Sleep(min(wait, time.Second))
	}
	c.wrong("an empty bucket: no token came back")
}

func (c *checker) apart() {
	b := bucket("Apart", 1, slow)
	c.granted(true, "a full bucket", b)
	account, region, api := b, b, b
	account.Account, region.Region, api.API = shop, frankfurt, "Else"
	c.granted(true, "another account's bucket", account)
	c.granted(true, "another Region's bucket", region)
	c.granted(true, "another API's bucket", api)
	c.granted(false, "a bucket that was emptied", b)
}

func (c *checker) allOrNone() {
	call, disk := bucket("All", 1, slow), bucket("volume vol-1", 1, slow)
	c.granted(true, "a full bucket", disk)
	c.granted(false, "two buckets, the second of which is empty", call, disk)
	c.granted(true, "the first of two buckets, the second of which was empty", call)
	c.granted(true, "another volume's bucket", bucket("volume vol-2", 1, slow))
}

func (c *checker) unlimited() {
	for range 100 {
		if c.granted(true, "a bucket without a rate", bucket("Unlimited", 0, 0)) > 0 {
			return
		}
	}
}

func (c *checker) throttled() {
	b := bucket("Throttled", 100, slow)
	c.granted(true, "a full bucket", b)
	if err := c.limiter.Throttled(c.ctx, b); err != nil {
		c.wrong("Throttled: %w", err)
	}
	if wait := c.granted(false, "a bucket that AWS refused a call of", b); wait > 0 && wait <= time.Duration(float64(time.Second)/slow) {
		c.wrong("a bucket that AWS refused a call of: its rate is not lowered, Take says to wait for %v", wait)
	}
}

// reserved checks that there is a slot, or is none.
func (c *checker) reserved(want bool, why string, site backup.Site, key string, room int, hold time.Duration) {
	got, err := c.limiter.Reserve(c.ctx, site, key, room, hold)
	switch {
	case err != nil:
		c.wrong("Reserve: %w", err)
	case got != want:
		c.wrong("%s: Reserve says %v", why, got)
	}
}

func (c *checker) release(site backup.Site, key string) {
	if err := c.limiter.Release(c.ctx, site, key); err != nil {
		c.wrong("Release: %w", err)
	}
}

func (c *checker) slots() {
	home, far := backup.Site{Account: vault, Region: ireland}, backup.Site{Account: vault, Region: frankfurt}
	c.reserved(true, "the first of two slots", home, "a", 2, time.Hour)
	c.reserved(true, "the second of two slots", home, "b", 2, time.Hour)
	c.reserved(false, "the third of two slots", home, "c", 2, time.Hour)
	c.reserved(true, "the slot that a key has", home, "a", 2, time.Hour)
	c.reserved(true, "another site's slot", far, "c", 1, time.Hour)
	c.reserved(false, "a slot where there is no room", far, "d", 0, time.Hour)
	c.release(home, "b")
	c.release(home, "b") // what is not reserved
	c.reserved(true, "a slot that was released", home, "c", 2, time.Hour)
	for _, key := range []string{"a", "c"} {
		c.release(home, key)
		c.release(far, key)
	}
}

// holds checks that what nobody releases comes back: its holder may be dead.
func (c *checker) holds() {
	site := backup.Site{Account: shop, Region: ireland}
	c.reserved(true, "a slot", site, "a", 1, 4*time.Second)
	time.Sleep(2 * time.Second)
	c.reserved(false, "a slot that is held", site, "b", 1, 4*time.Second)
	c.reserved(true, "a slot that is held, for longer", site, "a", 1, 4*time.Second)
	time.Sleep(3 * time.Second)
	c.reserved(false, "a slot that is held for longer", site, "b", 1, 4*time.Second)
	time.Sleep(2 * time.Second)
	c.reserved(true, "a slot that is held no more", site, "b", 1, time.Second)
	c.release(site, "b")
}

// cancelled checks that no method hangs or claims success when it is not to be
// waited for any more.
func (c *checker) cancelled() {
	ctx, cancel := context.WithCancel(c.ctx)
	cancel()
	b, site := bucket("Cancelled", 1, slow), backup.Site{Account: shop, Region: frankfurt}
	_, take := c.limiter.Take(ctx, []backup.Bucket{b})
	_, reserve := c.limiter.Reserve(ctx, site, "a", 1, time.Second)
	for name, err := range map[string]error{
		"Take": take, "Throttled": c.limiter.Throttled(ctx, b), "Reserve": reserve, "Release": c.limiter.Release(ctx, site, "a"),
	} {
		if err == nil {
			c.wrong("%s: no error, though its context is done", name)
		}
	}
}
