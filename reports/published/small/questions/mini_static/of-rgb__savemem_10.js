given("of-rgb__savemem_10",{"outcomes":"333333333332333333231332","labels":null});
