"""The life of a sweep: settle trials whose jobs ended, promote and start others, and end the sweep.

All of it happens in `service.sweeps.life.advance`, in a transaction that holds the lock of the sweep's row. It depends
on nothing but rows. So any process may do it, at any time and again.
"""
