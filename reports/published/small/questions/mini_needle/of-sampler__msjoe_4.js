given("of-sampler__msjoe_4",{"outcomes":"332323333333223331133321","labels":null});
