"""PostgreSQL from a wheel, for trials and tests: started on demand, shared by every process of the checkout.

`binaries` finds the programs, `server` owns the life of the server, `base` is the Django database backend
that starts it at the first connection. With `DATABASE_URL` set none of this is used.
"""
