given("of-sampler_printed__msjoe_4",{"outcomes":"112222222221222112122121","labels":null});
