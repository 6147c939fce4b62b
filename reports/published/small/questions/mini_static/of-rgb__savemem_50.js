given("of-rgb__savemem_50",{"outcomes":"122333333333332333233333","labels":null});
