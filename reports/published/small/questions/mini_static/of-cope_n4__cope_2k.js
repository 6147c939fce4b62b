given("of-cope_n4__cope_2k",{"outcomes":"332321233323332133233333","labels":null});
