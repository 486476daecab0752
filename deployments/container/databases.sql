-- PostgreSQL runs this once, when its volume is empty: Prefect's database is there already.
CREATE DATABASE drills;
