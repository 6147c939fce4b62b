given("of-sampler_centred__msjoe_4",{"outcomes":"112222211121221112221121","labels":null});
