"""Reading logs: any of the formats that people keep ratings and clicks in, and none misread."""
