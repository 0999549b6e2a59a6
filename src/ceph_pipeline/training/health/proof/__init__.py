"""The proof of the health report: trainings made to fail, and healthy ones, and what is recognised in them."""
