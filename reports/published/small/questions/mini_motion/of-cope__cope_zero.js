given("of-cope__cope_zero",{"outcomes":"323332311223312331332233","labels":null});
