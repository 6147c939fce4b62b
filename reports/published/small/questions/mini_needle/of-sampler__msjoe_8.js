given("of-sampler__msjoe_8",{"outcomes":"132323211333222333313321","labels":null});
