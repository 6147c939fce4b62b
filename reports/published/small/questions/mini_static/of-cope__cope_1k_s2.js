given("of-cope__cope_1k_s2",{"outcomes":"122121122122211221222122","labels":null});
