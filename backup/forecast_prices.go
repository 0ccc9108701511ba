package backup

import "fmt"

// Prices are what AWS charges for what a run makes. Whoever has other prices,
// as in another Region or by contract, fills in their own.
type Prices struct {
	Currency string `json:"currency"` // that all prices are in: "USD"
	// Storage of snapshots for a GiB and month, by the Region that they are in;
	// "" is for all that are not named.
	Storage map[string]float64 `json:"storage"`
	// Transfer of a GiB out of a Region into another one, by the Region that it
	// leaves; "" is for all that are not named. Within a Region nothing is
	// charged.
	Transfer map[string]float64 `json:"transfer"`
	// Timed are the prices of time-based copies, by ascending Minutes: one that
	// asks for less than the second's Minutes costs the first's PerGiB.
	Timed []TimedPrice `json:"timed"`
}

// A TimedPrice is the price of time-based copies from so many minutes on.
type TimedPrice struct {
	Minutes int     `json:"minutes"` // completion duration, at least
	PerGiB  float64 `json:"perGiB"`  // in the Currency of the Prices
}

// ListPrices returns prices of us-east-1 in US dollars: storage 0.05 a GiB and
// month (EBS User Guide, "Pricing and billing for archiving Amazon EBS
// snapshots"); transfer 0.02 a GiB, which most pairs of Regions cost and which
// the EC2 pricing page has for each; time-based copies 0.020 a GiB at 15 minutes
// and 0.005 from 16 hours on (Amazon EBS pricing), and between these two the
// higher one, so as never to promise too much. AWS changes its prices: who needs
// them exactly fills them in.
func ListPrices() Prices {
	return Prices{
		Currency: "USD", Storage: map[string]float64{"": 0.05}, Transfer: map[string]float64{"": 0.02},
		Timed: []TimedPrice{{15, 0.020}, {960, 0.005}},
	}
}

// check says what is wrong with prices of a host.
func (p Prices) check() error {
	for _, prices := range []map[string]float64{p.Storage, p.Transfer} {
		for region, price := range prices {
			if price < 0 {
				return fmt.Errorf("backup: Options.Prices: the price %v for Region %q is negative", price, region)
			}
		}
	}
	for i, t := range p.Timed {
		if t.PerGiB < 0 || i > 0 && t.Minutes <= p.Timed[i-1].Minutes {
			return fmt.Errorf("backup: Options.Prices: Timed[%d] is negative or not in order", i)
		}
	}
	return nil
}

func (p Prices) isZero() bool {
	return p.Currency == "" && p.Storage == nil && p.Transfer == nil && p.Timed == nil
}

// in returns the price for a Region.
func in(prices map[string]float64, region string) float64 {
	if price, ok := prices[region]; ok {
		return price
	}
	return prices[""]
}

// timed returns the price of a GiB in a time-based copy.
func (p Prices) timed(minutes int) float64 {
	price := 0.0
	for i, t := range p.Timed {
		if i == 0 || minutes >= t.Minutes {
			price = t.PerGiB
		}
	}
	return price
}

// A Cost is what jobs will cost at most under the Estimate: AWS charges for
// the blocks that are written, which are no more than a volume's size.
type Cost struct {
	Currency string  `json:"currency"` // of Prices
	Transfer float64 `json:"transfer"` // between Regions, once
	Timed    float64 `json:"timed"`    // for time-based copies, once
	// Storage is what the snapshots that are made add to each month for as long
	// as they are kept. Intermediates, which are deleted soon, do not count.
	Storage float64 `json:"storagePerMonth"`
}

// copied adds the cost of data that comes into a Region from another.
func (c *Cost) copied(p Prices, gib float64, from, to string, minutes int) {
	if from != to {
		c.Transfer += gib * in(p.Transfer, from)
	}
	if minutes > 0 {
		c.Timed += gib * p.timed(minutes)
	}
	c.Storage += gib * in(p.Storage, to)
}

// String returns the cost in a line.
func (c Cost) String() string {
	text := fmt.Sprintf("%.2f %s a month for storage", c.Storage, c.Currency)
	if c.Transfer > 0 {
		text += fmt.Sprintf(", %.2f once for transfer", c.Transfer)
	}
	if c.Timed > 0 {
		text += fmt.Sprintf(", %.2f once for time-based copies", c.Timed)
	}
	return text
}
