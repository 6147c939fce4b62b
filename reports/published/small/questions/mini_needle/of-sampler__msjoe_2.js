given("of-sampler__msjoe_2",{"outcomes":"332333311333233233333321","labels":null});
