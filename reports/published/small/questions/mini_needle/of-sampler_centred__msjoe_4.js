given("of-sampler_centred__msjoe_4",{"outcomes":"332323331133223333333321","labels":null});
