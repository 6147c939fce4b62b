given("of-cope__cope_2k",{"outcomes":"213112111223312311121231","labels":null});
